using System.CommandLine;

namespace Diffusion.Benchmarks;

/// <summary>The interleaved measurements, as commands of this program.</summary>
public static class Commands
{
    public static RootCommand Root()
    {
        var network = new Option<BenchmarkNetwork?>("--network") { Description = "cifar10 (35.7 M parameters, batches of 8) or small (9 M, batches of 16); both if left out" };
        var device = new Option<string>("--device") { Description = "cpu or cuda", DefaultValueFactory = _ => "cpu" };
        var threads = new Option<int>("--threads") { Description = "CPU threads", DefaultValueFactory = _ => 2 };
        var only = new Option<string?>("--case") { Description = "only this case; for a profiler" };
        var iterations = new Option<int>("--iterations") { Description = "times that each case runs after three warm-ups", DefaultValueFactory = _ => 7 };
        Command Measurement(string name, string description, Action<BenchmarkOptions> run)
        {
            var command = new Command(name, description) { network, device, threads, only, iterations };
            command.SetAction(parsed =>
            {
                set_num_threads(parsed.GetValue(threads));
                Interleaved.Header();
                foreach (var each in parsed.GetValue(network) is { } one ? [one] : Enum.GetValues<BenchmarkNetwork>())
                    run(new BenchmarkOptions(each, new Device(parsed.GetValue(device)!), parsed.GetValue(iterations), parsed.GetValue(only)));
            });
            return command;
        }

        var samplers = new Argument<string[]>("samplers") { Description = "names of the catalogue; all if left out" };
        var overhead = new Command("sampler-overhead", "every sampler's own work a step against the same tensor operations issued bare; exit code 1 where a limit is missed") { samplers };
        overhead.SetAction(parsed => SamplerOverhead.Run(parsed.GetValue(samplers) ?? []));
        return new RootCommand("Interleaved measurements. Without a command this program is BenchmarkDotNet: --filter '*'")
        {
            Measurement("training", "forward pass, forward and backward pass, and whole step, against plain TorchSharp", Training),
            Measurement("wrappers", "guidance, thresholds and inverse problems around a denoiser that does nothing, against the same operations issued bare", WrapperCases.Run),
            overhead,
        };
    }

    private static void Training(BenchmarkOptions options)
    {
        using var cases = new TrainingCases(options);
        var name = options.Network.ToString();
        void Compare(string work, Action plain, Action<ComputePrecision> ours) => Interleaved.Run(
            $"{name} {work}", options, [("plain", plain), .. Enum.GetValues<ComputePrecision>().Select(p => (p.ToString().ToLowerInvariant(), (Action)(() => ours(p))))]);
        Compare("forward", cases.PlainForward, cases.Forward);
        Compare("forward+backward", cases.PlainForwardBackward, cases.ForwardBackward);
        Compare("step", cases.PlainStep, cases.Step);
    }
}
