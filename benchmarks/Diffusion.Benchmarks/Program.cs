using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Diffusion.Benchmarks;

if (args is [var first, ..] && !first.StartsWith("--filter", StringComparison.Ordinal)) return Commands.Root().Parse(args).Invoke();

// In this process: a generated project would copy libtorch once more for every job.
var job = Job.Default.WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(5), logOutput: true)).WithLaunchCount(1).WithWarmupCount(3).WithIterationCount(7);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
return 0;
