#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Java program, compiled where it runs: threads, an executor, monitors, atomics, files, exceptions.
cat >Prog.java <<'J'
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Prog {
	static int shared;

	static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		List<Future<Long>> results = new ArrayList<>();
		for (int i = 10; i < 22; i++) {
			int n = i;
			results.add(pool.submit(() -> fib(n)));
		}
		for (Future<Long> f : results)
			System.out.println(f.get());
		AtomicLong sum = new AtomicLong();
		Thread[] threads = new Thread[8];
		for (int t = 0; t < threads.length; t++) {
			threads[t] = new Thread(() -> {
				for (int i = 0; i < 1000; i++) {
					sum.addAndGet(i);
					synchronized (Prog.class) { shared++; }
				}
			});
			threads[t].start();
		}
		for (Thread t : threads)
			t.join();
		System.out.println(sum + " " + shared);
		pool.shutdown();
		System.out.println(pool.awaitTermination(600, TimeUnit.SECONDS));
		Path file = Path.of("lines.txt");
		Files.write(file, IntStream.range(0, 2000).mapToObj(i -> "line " + i * i % 977).collect(Collectors.toList()));
		System.out.println(Files.lines(file).distinct().sorted().limit(3).collect(Collectors.joining(",")));
		System.gc();
		try {
			Object o = null;
			System.out.println(o.hashCode());	/* a SIGSEGV, for the virtual machine */
		} catch (NullPointerException e) {
			System.out.println("NullPointerException");
		}
		System.exit(7);
	}
}
J
java -Xmx96m Prog.java; echo "status $?"
