"""The app: what it defines, and Microsoft's library that runs it."""
