"""What single formats ask for beside Pillow: damage that it does not see, and files that it stumbles over."""
