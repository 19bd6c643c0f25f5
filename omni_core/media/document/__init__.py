"""PDF, EPUB and XPS through MuPDF; DOCX, PPTX and XLSX from their XML."""
