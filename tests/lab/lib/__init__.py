"""What every lab shares; see ../DESIGN.md."""
