"""How the storage account is reached: its clients, their time limits, and their failures as ours."""
