"""The REST service (extra ``serve``): ``khabar serve``, or ``app.create_app`` under an ASGI server of one's own."""
