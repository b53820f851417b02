"""HTTP/1.1 from the server's side, without a library: requests read, answers written, recordings as bytes of it."""
