"""What a picture shows whatever its colors and its light: local contrast, edges, sharpness, marked places."""
