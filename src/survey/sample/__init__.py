"""Who is asked: city frame, quotas, sampling points, assignments."""
