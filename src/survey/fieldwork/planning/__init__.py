"""Planning a wave: its sample sizes and quotas, its sampling points, who works where."""
