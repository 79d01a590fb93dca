"""What the use cases need from the outside world, each port with its values; `dedup_storage` implements every one."""
