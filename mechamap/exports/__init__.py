"""The formats a run can be exported to, one file each; :mod:`mechamap.export` is the way in."""
