"""Plain text, Markdown, HTML, tables and subtitle files."""
