"""What is stored and told of images and pairs, and the groups that follow from it."""
