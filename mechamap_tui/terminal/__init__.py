"""What terminals need: safe text, the clipboard, keys in order, pictures of the screen."""
