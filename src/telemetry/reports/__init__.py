"""What a month is reported by: air quality index, maxima, exceedances, disconnections, completeness."""
