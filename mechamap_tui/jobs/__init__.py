"""The engine's long-running work for the explorer: started, followed, ended. Start in ``runner``."""
