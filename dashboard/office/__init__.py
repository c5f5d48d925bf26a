"""The administrator's and the employer's pages."""
