"""What people look at: groups, pairs, rejected files and figures; nothing is changed."""
