"""What signing in does whatever the framework."""
