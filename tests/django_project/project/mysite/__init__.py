"""A site that shows people their files and photos, which others keep."""
