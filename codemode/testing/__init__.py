"""What tests of code mode are made of, ours and those of who brings a launcher, a dispatcher or a store."""
