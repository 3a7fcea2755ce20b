using System.CommandLine;

namespace Diffusion.Benchmarks;

/// <summary>The interleaved measurements, as commands of this program.</summary>
public static class Commands
{
    public static RootCommand Root()
    {
        var network = new Option<BenchmarkNetwork?>("--network") { Description = "cifar10 (35.7 M parameters, batches of 8) or small (9 M, batches of 16); both if left out" };
        var device = new Option<string>("--device") { Description = "cpu or cuda", DefaultValueFactory = _ => "cpu" };
        var tf32 = new Option<bool>("--tf32") { Description = "let float32 products and convolutions of a GPU round their factors to TF32" };
        var threads = new Option<int>("--threads") { Description = "CPU threads", DefaultValueFactory = _ => 2 };
        var only = new Option<string?>("--case") { Description = "only this case; for a profiler" };
        var iterations = new Option<int>("--iterations") { Description = "times that each case runs after three warm-ups", DefaultValueFactory = _ => 7 };
        Command Measurement(string name, string description, Action<BenchmarkOptions> run, bool once = false)
        {
            var command = new Command(name, description) { network, device, tf32, threads, only, iterations };
            command.SetAction(parsed =>
            {
                backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = parsed.GetValue(tf32);
                set_num_threads(parsed.GetValue(threads));
                Interleaved.Header();
                foreach (var each in once ? [BenchmarkNetwork.Small] : parsed.GetValue(network) is { } one ? [one] : Enum.GetValues<BenchmarkNetwork>())
                    run(new BenchmarkOptions(each, DeviceOf(parsed.GetValue(device)!), parsed.GetValue(iterations), parsed.GetValue(only)));
            });
            return command;
        }

        var samplers = new Argument<string[]>("samplers") { Description = "names of the catalogue; all if left out" };
        var overhead = new Command("sampler-overhead", "every sampler's own work a step against the same tensor operations issued bare; exit code 1 where a limit is missed") { samplers };
        overhead.SetAction(parsed => SamplerOverhead.Run(parsed.GetValue(samplers) ?? []));
        var check = new Command("check", "whether the device and this libtorch compute what they should; ends with 1 if not") { device, tf32 };
        check.SetAction(parsed =>
        {
            backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = parsed.GetValue(tf32);
            return DeviceCheck.Run(DeviceOf(parsed.GetValue(device)!), parsed.GetValue(tf32)) ? 0 : 1;
        });
        return new RootCommand("Interleaved measurements. Without a command this program is BenchmarkDotNet: --filter '*'")
        {
            check,
            Measurement("optimizer", "clipping, AdamW and an average over 300 tensors of 40,000, against plain TorchSharp and the floor of memory", Optimizer, once: true),
            Measurement("loader", "fifty batches of 64 pictures with flips, against TorchSharp's loader", Loader, once: true),
            Measurement("sampling", "fifty DDIM steps, against a loop over the plain network", Sampling),
            Measurement("layers", "where the time of a plain forward and backward pass goes", Layers),
            Measurement("recomputation", "time and memory of training with and without activations kept", Recomputation),
            Measurement("training", "forward pass, forward and backward pass, and whole step, against plain TorchSharp", Training),
            Measurement("wrappers", "guidance, thresholds and inverse problems around a denoiser that does nothing, against the same operations issued bare", WrapperCases.Run),
            overhead,
        };
    }

    private static Device DeviceOf(string name)
    {
        var device = new Device(name);
        if (device.type != DeviceType.CUDA || cuda.is_available()) return device;
        Console.Error.WriteLine($"There is no {name} here: libtorch finds no GPU, or it is a libtorch without CUDA.");
        Environment.Exit(1);
        return device;
    }

    private static void Training(BenchmarkOptions options)
    {
        using var cases = new TrainingCases(options);
        var name = options.Network.ToString();
        void Compare(string work, Action plain, Action<ComputePrecision> ours) => Interleaved.Run(
            $"{name} {work}", options, [("plain", plain), .. Enum.GetValues<ComputePrecision>().Select(p => (p.ToString().ToLowerInvariant(), (Action)(() => ours(p))))]);
        Compare("forward", cases.PlainForward, cases.Forward);
        Compare("forward+backward", cases.PlainForwardBackward, p => cases.ForwardBackward(p));
        Compare("step", cases.PlainStep, cases.Step);
    }

    private static void Optimizer(BenchmarkOptions options)
    {
        using var cases = new OptimizerCases(options.Device);
        var medians = Interleaved.Run("300 × 40,000", options, ("plain", cases.Plain), ("fused", cases.Fused), ("copy_", cases.Copy));
        var floor = OptimizerCases.Floor(medians[2]);
        Console.WriteLine(FormattableString.Invariant($"floor of 44 bytes a parameter at the rate of copy_: {floor:f2} ms; fused is {medians[1] / floor:f2} times that"));
    }

    private static void Loader(BenchmarkOptions options)
    {
        using var cases = new LoaderCases();
        Interleaved.Run("50 batches of 64", options, ("plain", cases.Plain), ("as asked", cases.Direct), ("ahead", cases.Ahead));
    }

    private static void Sampling(BenchmarkOptions options)
    {
        using var cases = new SamplingCases(options);
        Interleaved.Run($"{options.Network} 50 DDIM steps", options, [("plain", cases.Plain), .. Enum.GetValues<ComputePrecision>().Select(p => (p.ToString().ToLowerInvariant(), (Action)(() => cases.Sample(p))))]);
    }

    private static void Layers(BenchmarkOptions options)
    {
        using var scope = NewDisposeScope();
        using var cases = new TrainingCases(options);
        LayerTimes.Print(options, cases);
    }

    private static void Recomputation(BenchmarkOptions options)
    {
        using var cases = new TrainingCases(options);
        Interleaved.Run(
            $"{options.Network} forward+backward", options,
            ("kept", () => cases.ForwardBackward(ComputePrecision.Float32)), ("recomputed", () => cases.ForwardBackward(ComputePrecision.Float32, recompute: true)));
    }
}
