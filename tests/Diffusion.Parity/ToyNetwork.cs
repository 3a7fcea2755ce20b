namespace Diffusion.Parity;

/// <summary>The test models that the file format defines.</summary>
internal sealed class ToyNetwork(string kind) : DenoisingNetwork("Toy")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        using var scope = NewDisposeScope();
        var tau = label[0].to(float64).item<double>(); // one label for the whole batch
        Labels.Add(tau);
        return Output(x, tau).MoveToOuterDisposeScope();
    }

    /// <summary>What the network was told, call by call.</summary>
    public List<double> Labels { get; } = [];

    private Tensor Output(Tensor x, double tau) => kind switch
    {
        "dummy" => x.mul(Math.Abs(tau) / (Math.Abs(tau) + 1)),
        "smooth" or "karras_ve" => Smooth(x, tau),
        "sde_ve" => x.mul(-1 / (1 + tau * tau)),
        "smooth2c" => cat([Smooth(x, tau), x.add(tau / 100).cos().mul(0.9)], 1),
        _ => throw new UnsupportedException($"the toy model {kind} is not known"),
    };

    private static Tensor Smooth(Tensor x, double tau) => x.tanh().mul(0.3).add(0.1 * Math.Sin(tau / 100));
}
