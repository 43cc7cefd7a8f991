"""What the engine does for the explorer beside browsing: started, followed, ended. Start in ``runner``."""
