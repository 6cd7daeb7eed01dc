"""Reports for people and programs: page, pictures, plots, tables, comparisons."""
