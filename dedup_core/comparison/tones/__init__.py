"""What another light, exposure, tone curve or palette makes of the same picture."""
