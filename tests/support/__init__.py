"""What several tests share: models made for tests, recorded runs, hosts for widgets, a terminal."""
