using Diffusion.Networks;
using Diffusion.Training;

namespace Diffusion.Benchmarks;

/// <summary>
/// Whether a device, and a libtorch that this program was not built with, compute what they should: a forward pass, every gradient and an optimizer step
/// against float64 on the CPU; tensors that are freed; errors that come back as exceptions.
/// </summary>
public static class DeviceCheck
{
    /// <summary>Prints a line each.</summary>
    /// <returns>Whether all are right.</returns>
    public static bool Run(Device device, bool tf32)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1).Dispose();
        using var exact = new UNet(UNetPresets.ForImages(3, 32, width: 32));
        using var network = new UNet(exact.Config);
        using (no_grad())
            foreach (var (to, from) in network.parameters().Zip(exact.parameters())) to.copy_(from);
        exact.to(ScalarType.Float64);
        network.to(device);
        var (x, label) = (randn(8, 3, 32, 32), rand(8) * 1000);
        var expected = Gradient(exact, x.to(ScalarType.Float64), label);
        var right = true;
        void Report(string what, double error, double bound)
        {
            right &= error <= bound;
            Console.WriteLine(FormattableString.Invariant($"{(error <= bound ? "passed" : "failed")}: {what}: {error:g2}, at most {bound:g2}"));
        }

        foreach (var precision in Enum.GetValues<ComputePrecision>())
        {
            var given = Gradient(network.Computing(precision), x.to(device), label.to(device));
            var error = Math.Sqrt(expected.Zip(given, (e, g) => (e - g).square().sum().item<double>()).Sum() / expected.Sum(e => e.square().sum().item<double>()));
            Report($"output and gradients in {precision} against float64 on the CPU", error, precision == ComputePrecision.BFloat16 ? 0.05 : tf32 ? 5e-3 : 1e-4);
        }

        using var optimizer = new WeightOptimizer(network, UpdateRule.Adam(1e-3), null);
        var before = network.parameters().Select(p => p.detach().clone()).ToArray();
        optimizer.Step();
        // Adam's first step is the rate itself wherever the gradient is not next to nothing.
        var moved = network.parameters().Zip(before, (p, b) => (p - b).abs().max().item<float>()).Max();
        Report("the first step of Adam, which is its rate", Math.Abs(moved - 1e-3), 1e-5);

        var live = Tensor.TotalCount;
        for (var i = 0; i < 100; i++)
            using (NewDisposeScope()) ones(8, 8, device: device).mm(ones(8, 8, device: device)).sum();
        Report("tensors left over", Tensor.TotalCount - live, 0);
        var refused = false;
        try
        {
            ones(2, 3, device: device).view(7).Dispose();
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            refused = true;
        }

        Report("errors that did not come back as an exception", refused ? 0 : 1, 0);
        return right;

        List<Tensor> Gradient(DenoisingNetwork computing, Tensor input, Tensor at)
        {
            foreach (var parameter in network.parameters().Concat(exact.parameters())) parameter.grad = null;
            var output = computing.call(input, at, null);
            output.square().mean().backward();
            var owner = ReferenceEquals(computing, exact) ? exact : network;
            return [output.detach().cpu().to(ScalarType.Float64), .. owner.parameters().Select(p => p.grad!.cpu().to(ScalarType.Float64))];
        }
    }
}
