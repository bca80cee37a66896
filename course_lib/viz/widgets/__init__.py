"""Things to type into, drag and click. Each is Python with its JavaScript beside it; `live` and `host.js` are
what all of them share."""
