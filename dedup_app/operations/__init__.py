"""What the timer and operators start to keep an app in order."""
