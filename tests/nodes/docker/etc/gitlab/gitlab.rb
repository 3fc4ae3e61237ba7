# nothing set here
