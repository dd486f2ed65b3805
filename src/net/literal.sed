# Lines of a text as C string literals.
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n"/
