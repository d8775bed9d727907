// SPDX-License-Identifier: GPL-2.0-or-later
// A pool of threads, the collector, a fault that becomes an exception, a child, an exit status.
import java.util.*;
import java.util.concurrent.*;

public class Pool {
	static long work(int n) {
		long sum = 0;
		for (int i = 0; i < 20000; i++) {
			String s = "x" + i + n;
			sum += s.hashCode();
		}
		return sum;
	}

	public static void main(String[] args) throws Exception {
		System.out.println("cpus " + Runtime.getRuntime().availableProcessors());
		ExecutorService pool = Executors.newFixedThreadPool(6);
		List<Future<Long>> l = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			final int n = i;
			l.add(pool.submit(() -> work(n)));
		}
		long sum = 0;
		for (Future<Long> f : l)
			sum += f.get();
		pool.shutdown();
		System.out.println("sum " + sum);
		System.gc();
		try {
			String s = null;
			s.length();
		} catch (NullPointerException e) {
			System.out.println("null caught");
		}
		Process p = new ProcessBuilder("echo", "child").inheritIO().start();
		System.out.println("exit " + p.waitFor());
		System.exit(3);
	}
}
