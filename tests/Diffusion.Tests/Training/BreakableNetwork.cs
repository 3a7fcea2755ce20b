using TorchSharp.Modules;

namespace Diffusion.Tests.Training;

/// <summary>Layers in a row, the middle one breakable and two levels deep.</summary>
internal sealed class BreakableNetwork : DenoisingNetwork
{
    public readonly Linear inlet;
    public readonly Sequential middle;
    public readonly Linear outlet;

    public BreakableNetwork() : base("Row")
    {
        random.manual_seed(1).Dispose();
        inlet = nn.Linear(2, 8);
        middle = nn.Sequential(("first", nn.Linear(8, 8)), ("weak", new Breakable()), ("last", nn.Linear(8, 8)));
        outlet = nn.Linear(8, 2);
        RegisterComponents();
    }

    // Computed: a field would be registered a second time.
    public Breakable Weak => middle.children().OfType<Breakable>().Single();

    /// <summary>The sum of what the network was given, one number a call.</summary>
    public List<float> Given { get; } = [];

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        using var scope = NewDisposeScope();
        Given.Add(input1.sum().item<float>());
        return outlet.call(middle.call(inlet.call(input1))).MoveToOuterDisposeScope();
    }
}
