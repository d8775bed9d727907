// SPDX-License-Identifier: GPL-2.0-or-later
// Goroutines, channels, the collector, signals, timers, a child, a fault that is recovered from.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func work(n int) uint64 {
	var sum uint64
	for i := 0; i < 200; i++ {
		b := make([]byte, 1000+n)
		h := sha256.Sum256(b)
		sum += uint64(h[0]) + uint64(h[31])<<8
	}
	return sum
}

func main() {
	var wg sync.WaitGroup
	res := make(chan uint64, 64)
	fmt.Println("cpus", runtime.NumCPU(), runtime.GOMAXPROCS(0))
	for i := 0; i < 40; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); res <- work(i) }(i)
	}
	wg.Wait()
	close(res)
	var sum uint64
	for r := range res {
		sum += r
	}
	fmt.Println("sum", sum)
	runtime.GC()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-c)
	t := time.NewTimer(20 * time.Millisecond)
	<-t.C
	out, err := exec.Command("echo", "child").Output()
	fmt.Printf("%s%v\n", out, err)
	os.WriteFile("file", []byte("hello"), 0644)
	b, _ := os.ReadFile("file")
	fmt.Println(string(b))
	defer func() { fmt.Println("recovered:", recover()) }()
	var p *int
	fmt.Println(*p)
}
