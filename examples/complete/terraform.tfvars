applications = {
  backup = [
    { path = "/vms", role = "PVEVMUser" },
    { path = "/storage", role = "PVEDatastoreUser" },
  ]
  monitoring = [
    { path = "/", role = "PVEAuditor" },
  ]
}
