"""Bad input in bulk: every way in is fed with Persian news gone wrong, under limits of time and memory."""
