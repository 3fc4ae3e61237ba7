roles ['gitaly_role']
