"""What panes show, worked out from a run; no widgets."""
