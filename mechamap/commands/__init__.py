"""The commands of ``mechamap``, one file each: ``add_to`` declares its flags, ``run`` does it."""
