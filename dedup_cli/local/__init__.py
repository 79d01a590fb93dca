"""Commands for files of this machine, which need no app and no storage."""
