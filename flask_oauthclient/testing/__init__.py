"""What applications that use this library are tested and tried out with."""
