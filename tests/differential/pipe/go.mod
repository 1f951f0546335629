module pipe

go 1.24
