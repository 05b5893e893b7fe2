"""Organizations, dossiers, documents and parcels of the department."""
