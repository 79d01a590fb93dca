"""The app's resources in Azure, and the tools that read their description."""
