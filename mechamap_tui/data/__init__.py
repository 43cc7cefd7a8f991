"""What panes show, computed from a run; no widgets."""
