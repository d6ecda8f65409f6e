"""The Hundred Cities Survey: questionnaire, fieldwork, estimates and honest dashboards."""
