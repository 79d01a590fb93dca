"""What the use cases need from the outside world, a module for each port; `dedup_storage` implements every one."""
