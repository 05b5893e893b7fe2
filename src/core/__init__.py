"""What all packages share and no domain owns."""
