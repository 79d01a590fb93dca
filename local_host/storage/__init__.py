"""The storage accounts: clients, locks, and the emulator."""
