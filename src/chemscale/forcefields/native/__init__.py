"""Optional pair operators in C++, compiled at first use by the system's compiler; everything works without them."""
